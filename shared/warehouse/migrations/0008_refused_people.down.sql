DROP TABLE refused_people;
